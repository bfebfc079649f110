"""SUMO: interventions → scenario → run → outputs → comparison → certificate."""
