"""What a household can know of its next hours: history, models, forecasts."""
