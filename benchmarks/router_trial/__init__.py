"""A closure's way from an officer's order to a router that obeys it: the city, the orders, the feed, the partner."""
