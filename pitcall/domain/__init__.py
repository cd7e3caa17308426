"""The pit wall's knowledge of a race: events, their reduction to a state, tyres and calls. Pure."""
