"""Words every package shares. Pure, standard library only."""
