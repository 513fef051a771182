CREATE OR REPLACE FUNCTION stage1_touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER stage1_datasets_touch_updated_at
    BEFORE UPDATE ON stage1_datasets
    FOR EACH ROW EXECUTE FUNCTION stage1_touch_updated_at();
