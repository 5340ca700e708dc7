"""Which numbers of the PBX are taken, and by what."""
