"""Who is told what, when, and that it got there.

In: changes of alerts, in the transaction that saves them. Out: notices at channels, at least once, never another text
under the same key. `outbox.enqueue` is the way in, `delivery.Delivery` the way out; everything between is pure.
"""
