"""Panels, batteries and meters: what is measured, kept and signed."""
