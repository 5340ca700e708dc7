"""Declared configuration: a YAML file says what the PBX is to be."""
