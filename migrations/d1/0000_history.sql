CREATE TABLE `policy_version` (
	`hash` text PRIMARY KEY NOT NULL,
	`text` text NOT NULL,
	`first_seen` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `revocation` (
	`no` integer PRIMARY KEY NOT NULL,
	`token_id` text,
	`issuer` text,
	`subject` text,
	`issued_before` integer,
	`command` text NOT NULL,
	`reason` text NOT NULL,
	`time` integer NOT NULL
);
