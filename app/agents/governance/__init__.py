"""How those who run the market do so together: votes, money in and out, audits."""
