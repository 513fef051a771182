-- formerly: 7e7a81e4d86635a931296ad2ff2ee0e8ab65e67c27a5473f594dccf80252cca1
-- The name of the indicator table, for readers of either variant. Where a row has two names, both
-- stay.
DO $$
DECLARE
    set_by_hand text[];
    statement text;
BEGIN
    IF NOT EXISTS (SELECT FROM indicator_datasets WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL)) THEN
        RETURN;
    END IF;
    SELECT array_agg(format(
        'ALTER TABLE indicator_datasets %s TRIGGER %I',
        CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, tgname))
    INTO set_by_hand
    FROM pg_trigger
    WHERE tgrelid = 'indicator_datasets'::regclass AND NOT tgisinternal AND tgenabled <> 'O';

    ALTER TABLE indicator_datasets DISABLE TRIGGER USER;  -- they would set updated_at, and nothing was updated
    UPDATE indicator_datasets
    SET questdb_tag = coalesce(questdb_tag, questdb_measurement),
        questdb_measurement = coalesce(questdb_measurement, questdb_tag)
    WHERE (questdb_tag IS NULL) <> (questdb_measurement IS NULL);
    ALTER TABLE indicator_datasets ENABLE TRIGGER USER;
    FOREACH statement IN ARRAY coalesce(set_by_hand, '{}') LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
