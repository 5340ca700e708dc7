"""What these tests share: stores that are copies of one."""

from tests.support.stores import empty_store, stores_from_a_copy

__all__ = ["empty_store", "stores_from_a_copy"]
