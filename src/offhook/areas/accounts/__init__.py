"""People who may use the console; the API's own account is in `offhook.areas.access`."""
