CREATE TABLE `kill` (
	`no` integer PRIMARY KEY NOT NULL,
	`sid` text NOT NULL,
	`object` text NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`actors` text NOT NULL,
	`connection` text NOT NULL,
	`issued_before` integer NOT NULL,
	`reason` text NOT NULL,
	`command` text NOT NULL,
	`time` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `policy_application` (
	`no` integer PRIMARY KEY NOT NULL,
	`hash` text NOT NULL,
	`previous` text,
	`time` integer NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`command` text NOT NULL,
	`comment` text NOT NULL
);
