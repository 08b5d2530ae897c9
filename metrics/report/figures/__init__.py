"""The figures of a report on showers."""
