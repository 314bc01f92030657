"""The counsellor's picture: layered vector art, drawn in 512-unit design coordinates."""
