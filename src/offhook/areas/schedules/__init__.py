"""Time conditions and PIN lists, which routes ask."""
