-- INSERT OR REPLACE fires no DELETE trigger: each unique key has a BEFORE INSERT guard as well.
CREATE TRIGGER policy_application_no_update BEFORE UPDATE ON policy_application BEGIN SELECT RAISE(ABORT, 'append-only'); END;
--> statement-breakpoint
CREATE TRIGGER policy_application_no_delete BEFORE DELETE ON policy_application BEGIN SELECT RAISE(ABORT, 'append-only'); END;
--> statement-breakpoint
CREATE TRIGGER policy_application_no_replace BEFORE INSERT ON policy_application
  WHEN EXISTS (SELECT 1 FROM policy_application WHERE no = NEW.no) BEGIN SELECT RAISE(ABORT, 'append-only'); END;
--> statement-breakpoint
CREATE TRIGGER kill_no_update BEFORE UPDATE ON kill BEGIN SELECT RAISE(ABORT, 'append-only'); END;
--> statement-breakpoint
CREATE TRIGGER kill_no_delete BEFORE DELETE ON kill BEGIN SELECT RAISE(ABORT, 'append-only'); END;
--> statement-breakpoint
CREATE TRIGGER kill_no_replace BEFORE INSERT ON kill
  WHEN EXISTS (SELECT 1 FROM kill WHERE no = NEW.no) BEGIN SELECT RAISE(ABORT, 'append-only'); END;
