"""Faxes that are received for extensions (spec 04-routes, `faxtoemail`)."""
