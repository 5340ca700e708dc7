"""Remote control of phones that speak uaCSTA (spec 14-uacsta)."""
