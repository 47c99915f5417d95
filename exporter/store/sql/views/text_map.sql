-- A MAP from its text in segments; runs once per distinct text.
CREATE MACRO text_map(literal) AS TRY_CAST(literal AS MAP(VARCHAR, VARCHAR));
