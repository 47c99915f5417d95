"""What each service is sent, one file a service.

In: a batch of notices, whose labels anybody may have written. Out: the request or the message that the service
documents, within its limits, with every text as text.
"""
