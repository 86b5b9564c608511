"""Trading in private: the agents of a street whose offers and agreements nobody else can read."""
