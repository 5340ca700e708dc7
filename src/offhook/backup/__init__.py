"""Backups of a data folder: one sealed archive, made while the PBX runs, checked and restored as a whole."""
