-- A timestamp as the API shows it, a JSON text: RFC 3339 in UTC. What that cannot say keeps the form that says it: a year past
-- 9999 or before 1 as ISO 8601 writes it ("+057216-01-01T00:00:00Z"), and "infinity". Called where the year is none of RFC 3339's,
-- and not written into the statement, as an SQL function would be: each statement would take longer to begin.
CREATE OR REPLACE FUNCTION stage1_timestamp_json(p_at timestamptz) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    iso CONSTANT text := to_json(p_at AT TIME ZONE 'UTC') #>> '{}';
    stored_year CONSTANT integer := CASE WHEN isfinite(p_at) THEN split_part(iso, '-', 1) END;
    shown_year CONSTANT integer := CASE WHEN iso LIKE '% BC' THEN 1 - stored_year ELSE stored_year END;  -- 1 BC is the year 0
BEGIN
    IF shown_year IS NULL THEN
        RETURN to_json(iso);
    END IF;
    RETURN to_json(
        CASE WHEN shown_year > 9999 THEN '+' WHEN shown_year < 0 THEN '-' ELSE '' END
        || lpad(abs(shown_year)::text, CASE WHEN shown_year BETWEEN 0 AND 9999 THEN 4 ELSE 6 END, '0')
        || regexp_replace(iso, '^\d+(.*?)( BC)?$', '\1') || 'Z');
END
$$;

COMMENT ON FUNCTION stage1_timestamp_json(timestamptz) IS
    'A timestamp as a JSON text: RFC 3339 in UTC; a year before 0 or past 9999 with six digits and a '
    'sign; infinity as such.';
