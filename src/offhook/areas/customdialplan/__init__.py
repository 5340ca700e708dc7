"""The operator's own dialplan: files as written for the appliances, checked and translated (spec 18)."""
