-- The first of some attributes that a map has; `names` is a list.
CREATE MACRO first_of(attributes, names) AS
    list_extract(list_filter(list_transform(names, lambda name: attributes[name]), lambda value: value IS NOT NULL), 1);
