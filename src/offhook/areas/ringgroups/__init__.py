"""Ring groups: several extensions under one number."""
