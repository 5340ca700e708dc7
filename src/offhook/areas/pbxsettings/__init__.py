"""Settings of the PBX as a whole: feature codes, parking, and general ones."""
