"""Programs of a user that put models of the zoo to work; nothing imports them."""
