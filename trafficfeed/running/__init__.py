"""Starting and stopping the whole: Airflow, the API, and waiting until they are healthy."""
