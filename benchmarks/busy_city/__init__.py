"""A city with very many orders in force, for the benchmarks of releasing: its streets, the orders, a store of them."""
