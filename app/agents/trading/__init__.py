"""Who offers, and who looks for offers: the seller and the buyer of a household."""
