"""The report on particle identification: its figures, tables and page."""
