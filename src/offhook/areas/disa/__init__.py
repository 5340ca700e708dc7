"""DISA and callback: callers from outside who use the PBX as their own."""
