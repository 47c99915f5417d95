-- SERVER as Server: the Collector's ClickHouse exporter's spelling of kinds and status codes.
CREATE MACRO title_case(name) AS left(name, 1) || lower(substring(name, 2));
