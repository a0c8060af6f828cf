"""A mirror of the house, plus scenarios, simulation, faults, clients and chains."""
