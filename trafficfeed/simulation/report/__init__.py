"""The report that a person looks at: one HTML file with maps, plots and tables, and the pictures beside it."""

from trafficfeed.simulation.report.html import write_report

__all__ = ["write_report"]
