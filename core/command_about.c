/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command_about.c: tokeep stores, providers, check, version: what is installed, and is it well? */
#include "command.h"

#include <inttypes.h>
#include <stdio.h>

#include "command_json.h"

static const struct json_item end = { NULL, JSON_TEXT_ITEM, NULL, 0 };

struct table {
	struct command *cmd;
	long long count;
};

/* Of a JSON array; in a table for people nothing. */
static void begin_entry(struct table *table)
{
	if (table->cmd->json)
		fputs(table->count ? ",\n" : "\n", stdout);
	table->count++;
}

static int run_table(struct command *cmd, int (*fill)(struct table *table))
{
	struct table table = { .cmd = cmd };
	int r;

	if (cmd->json)
		putchar('[');
	r = fill(&table);
	if (cmd->json)
		puts(table.count ? "\n]" : "]");
	return r;
}

/*
 * Stores
 */

static const char *scope_name(unsigned int scope)
{
	switch (scope) {
	case TOKEEP_SCOPE_PROCESS:
		return "process";
	case TOKEEP_SCOPE_HOST:
		return "host";
	case TOKEEP_SCOPE_CLUSTER:
		return "cluster";
	}
	return NULL;
}

static int put_store(const struct tokeep_store_info *info, const char *abi)
{
	bool loaded = !info->error;

	return json_put_object((const struct json_item[]){
		{ "name", JSON_TEXT_ITEM, info->name, 0 },
		{ "path", JSON_TEXT_ITEM, info->path, 0 },
		{ "error", JSON_TEXT_ITEM, info->error, 0 },
		{ "description", JSON_TEXT_ITEM, loaded ? info->description : NULL, 0 },
		{ "interface", JSON_TEXT_ITEM, loaded ? abi : NULL, 0 },
		{ "scope", JSON_TEXT_ITEM, loaded ? scope_name(info->scope) : NULL, 0 },
		{ "lock", JSON_TRUTH_ITEM, NULL, loaded && info->own_lock },
		{ "batches", JSON_TRUTH_ITEM, NULL, loaded && info->batches },
		{ "selected", JSON_TRUTH_ITEM, NULL, info->selected },
		{ "file", JSON_TEXT_ITEM, info->file, 0 },
		{ "line", info->file ? JSON_NUMBER_ITEM : JSON_TEXT_ITEM, NULL, info->line },
		end,
	});
}

static void print_store(const struct tokeep_store_info *info, const char *abi)
{
	const char *scope = scope_name(info->scope);

	output_column(info->selected ? "*" : "", 1);
	output_column(info->name, 10);
	output_column(info->error ? "-" : abi, 9);
	output_column(info->error ? "-" : scope ? scope : "host", 8);
	output_value(info->path ? info->path : "-");
	putchar('\n');
	if (info->error || info->description) {
		printf("%*s", 5, "");
		output_value(info->error ? info->error : info->description);
		putchar('\n');
	}
	if (info->selected && info->file) {
		printf("%*schosen by ", 5, "");
		output_value(info->file);
		printf(", line %d\n", info->line);
	}
}

static int each_store(void *data, const struct tokeep_store_info *info)
{
	struct table *table = data;
	char abi[24];

	snprintf(abi, sizeof(abi), "%u.%u", info->abi >> 16, info->abi & 0xffff);
	if (!table->cmd->json && !table->count) {
		output_column("", 1);
		output_column("NAME", 10);
		output_column("INTERFACE", 9);
		output_column("SCOPE", 8);
		puts("PATH");
	}
	begin_entry(table);
	if (table->cmd->json)
		return put_store(info, abi);
	print_store(info, abi);
	return 0;
}

static int fill_stores(struct table *table)
{
	int r = tokeep_get_stores(table->cmd->tk, each_store, table);

	return r ? say_failure(table->cmd, table->cmd->tk, r, NULL) : 0;
}

int verb_stores(struct command *cmd)
{
	return run_table(cmd, fill_stores);
}

/*
 * Providers
 */

static int put_provider(const struct tokeep_provider_info *info)
{
	return json_put_object((const struct json_item[]){
		{ "name", JSON_TEXT_ITEM, info->name, 0 },
		{ "path", JSON_TEXT_ITEM, info->path, 0 },
		{ "error", JSON_TEXT_ITEM, info->error, 0 },
		{ "dialect", JSON_TEXT_ITEM, info->dialect, 0 },
		{ "issuer", JSON_TEXT_ITEM, info->issuer, 0 },
		{ "data_centers", JSON_TEXT_ITEM, info->data_centers, 0 },
		end,
	});
}

static void print_detail(const char *name, const char *value)
{
	if (!value)
		return;
	printf("%*s%s", 2, "", name);
	output_value(value);
	putchar('\n');
}

static void print_provider(const struct tokeep_provider_info *info)
{
	output_column(info->name, 14);
	output_column(info->dialect ? info->dialect : "-", 7);
	output_value(info->path ? info->path : "-");
	putchar('\n');
	print_detail("", info->error);
	print_detail("issuer: ", info->issuer);
	print_detail("data centers: ", info->data_centers);
}

static int each_provider(void *data, const struct tokeep_provider_info *info)
{
	struct table *table = data;

	if (!table->cmd->json && !table->count) {
		output_column("NAME", 14);
		output_column("DIALECT", 7);
		puts("PATH");
	}
	begin_entry(table);
	if (table->cmd->json)
		return put_provider(info);
	print_provider(info);
	return 0;
}

static int fill_providers(struct table *table)
{
	int r = tokeep_get_providers(table->cmd->tk, each_provider, table);

	return r ? say_failure(table->cmd, table->cmd->tk, r, NULL) : 0;
}

int verb_providers(struct command *cmd)
{
	return run_table(cmd, fill_providers);
}

/*
 * The doctor
 */

struct diagnosis {
	struct table *table;
	long long errors, warnings;
};

static int each_finding(void *data, const struct tokeep_finding *finding)
{
	struct diagnosis *diagnosis = data;
	const char *level = finding->result < 0 ? "error" : finding->result > 0 ? "warning" : "ok";

	diagnosis->errors += finding->result < 0;
	diagnosis->warnings += finding->result > 0;
	begin_entry(diagnosis->table);
	if (diagnosis->table->cmd->json)
		return json_put_object((const struct json_item[]){
			{ "level", JSON_TEXT_ITEM, level, 0 },
			{ "class", JSON_TEXT_ITEM,
			  finding->result < 0 ? tokeep_class_name(finding->result) : NULL, 0 },
			{ "subject", JSON_TEXT_ITEM, finding->subject, 0 },
			{ "text", JSON_TEXT_ITEM, finding->text, 0 },
			end,
		});
	output_column(level, 7);
	output_column(finding->subject ? finding->subject : "-", 14);
	output_value(finding->text ? finding->text : "");
	putchar('\n');
	return 0;
}

/* A configuration that is refused is a finding, too. */
static int examine(struct command *cmd, struct diagnosis *diagnosis)
{
	int r = tokeep_new(&cmd->tk);
	struct tokeep_finding finding;

	if (r)
		return r;
	r = tokeep_load(cmd->tk, cmd->config);
	if (!r)
		return tokeep_check(cmd->tk, each_finding, diagnosis);
	finding = (struct tokeep_finding){ r, "config", tokeep_message(cmd->tk) };
	each_finding(diagnosis, &finding);
	return r;
}

static int fill_check(struct table *table)
{
	struct diagnosis diagnosis = { .table = table };
	int r = examine(table->cmd, &diagnosis);

	if (r >= 0)
		return 0;
	if (!diagnosis.errors)
		return say_failure(table->cmd, table->cmd->tk, r, "check");
	return say_error(table->cmd, r, "check: errors: %lld, warnings: %lld", diagnosis.errors, diagnosis.warnings);
}

int verb_check(struct command *cmd)
{
	return run_table(cmd, fill_check);
}

int verb_version(struct command *cmd)
{
	if (cmd->json)
		printf("{\"version\":\"%s\"}\n", tokeep_version());
	else
		printf("tokeep %s\n", tokeep_version());
	return 0;
}
