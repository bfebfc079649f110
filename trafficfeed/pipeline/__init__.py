"""What happens, in plain functions that a DAG task, the command line and a test call alike."""
