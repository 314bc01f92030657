"""Official data and other people's tables, turned into articles."""
