"""The road network: import, graph, matching, routing, datums."""
