/* cli/test_plot.c: `clayer plot` draws every layer, in well-formed SVG, nested models in frames. */
#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "support/runner.h"

#define TEXT_BYTES (1 << 18)

static char *read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read '%s'", path);
    char *text = calloc(1, TEXT_BYTES);
    ck_assert(text != NULL);
    ck_assert_uint_lt(fread(text, 1, TEXT_BYTES - 1, file), TEXT_BYTES - 1);
    fclose(file);
    return text;
}

static size_t count(const char *text, const char *part) {
    size_t found = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        found++;
    }
    return found;
}

/* ---- XML, as far as Graphviz writes it ---- */

/* The end of a reference that XML knows by itself, "&amp;" or "&#160;"; NULL if it is none. */
static const char *skip_reference(const char *at) {
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strncmp(at, known[i], strlen(known[i])) == 0) {
            return at + strlen(known[i]);
        }
    }
    size_t digits = at[1] == '#' ? strspn(at + 2, "0123456789") : 0;
    return digits > 0 && at[2 + digits] == ';' ? at + 3 + digits : NULL;
}

/* The end of a tag that begins at `at`; attribute values are quoted and hold no '<'. */
static const char *skip_tag(const char *at) {
    char quote = '\0';
    for (; *at != '\0' && (quote != '\0' || *at != '>'); at++) {
        ck_assert_msg(quote == '\0' || *at != '<', "'<' in an attribute: %.60s", at);
        ck_assert_msg(*at != '&' || skip_reference(at) != NULL, "no reference: %.60s", at);
        if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
        } else if (*at == quote) {
            quote = '\0';
        }
    }
    ck_assert_msg(*at == '>', "a tag that does not end");
    return at + 1;
}

/* Fails unless every element is closed, in order, and every '&' begins a reference. */
static void check_well_formed(const char *text) {
    char open[64][32];
    size_t depth = 0, elements = 0;
    for (const char *at = text; *at != '\0';) {
        if (*at == '&') {
            ck_assert_msg(skip_reference(at) != NULL, "no reference: %.60s", at);
            at = skip_reference(at);
        } else if (*at != '<') {
            ck_assert_msg((unsigned char)*at >= ' ' || isspace((unsigned char)*at), "a control character: %.60s", at);
            at++;
        } else if (strncmp(at, "<!--", 4) == 0) {
            at = strstr(at, "-->");
            ck_assert(at != NULL);
            at += 3;
        } else if (at[1] == '?' || at[1] == '!') {
            at = skip_tag(at);
        } else {
            bool closes = at[1] == '/';
            const char *name = at + 1 + closes, *end = skip_tag(at);
            size_t length = strcspn(name, " \t\r\n/>");
            ck_assert_uint_lt(length, sizeof open[0]);
            if (closes) {
                ck_assert_msg(
                    depth > 0 && strncmp(open[depth - 1], name, length) == 0 && open[depth - 1][length] == '\0',
                    "'%.*s' closes nothing", (int)length, name);
                depth--;
            } else if (end[-2] != '/') {
                ck_assert_uint_lt(depth, sizeof open / sizeof open[0]);
                snprintf(open[depth++], sizeof open[0], "%.*s", (int)length, name);
            }
            elements++;
            at = end;
        }
    }
    ck_assert_uint_eq(depth, 0);
    ck_assert_uint_gt(elements, 5);
}

/* ---- drawing ---- */

/* The picture of a model of golden/, drawn with one option and its value (or NULL) into a file of this test; freed by
 * the caller. */
static char *plot(const char *model, const char *file, const char *option, const char *value) {
    const char *out = command_path(file);
    const char *const argv[] = {CLAYER_COMMAND, "plot", model, "-o", out, option, value, NULL};
    command_result plotted = command_run_to(argv, NULL, NULL);
    CHECK_STATUS(plotted, 0);
    ck_assert_str_eq(plotted.out, "");
    ck_assert_str_eq(plotted.err, "");
    command_free(&plotted);
    char *text = read_text(out);
    if (strstr(file, ".svg") != NULL) {
        check_well_formed(text);
    }
    return text;
}

/* A label's own text, between tags. */
static void check_label(const char *svg, const char *label) {
    char text[128];
    snprintf(text, sizeof text, ">%s<", label);
    CHECK_HOLDS(svg, text);
}

START_TEST(every_layer_is_drawn) {
    static const char *const names[] = {"image", "left", "right", "sum", "enlarge", "repeat", "join", "out"};
    char *svg = plot(command_golden("models/k3_branches.keras"), "branches.svg", NULL, NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_label(svg, names[i]);
    }
    CHECK_HOLDS(svg, "(Conv2DTranspose)");
    CHECK_HOLDS(svg, "Output shape: (None, 6, 5, 4)");
    CHECK_HOLDS(svg, "Input shape: (None, 6, 5, 3)");
    ck_assert_uint_eq(count(svg, "class=\"node\""), 8);
    ck_assert_uint_eq(count(svg, "class=\"edge\""), 9);
    char *bare = plot(command_golden("models/k3_branches.keras"), "bare.svg", "--no-shapes", NULL);
    ck_assert_ptr_null(strstr(bare, "shape: "));
    check_label(bare, "enlarge");
    char *again = plot(command_golden("models/k3_branches.keras"), "again.svg", "--rankdir", "TB");
    ck_assert_str_eq(again, svg);
    free(svg);
    free(bare);
    free(again);
}
END_TEST

START_TEST(nested_models_are_boxes_or_frames) {
    const char *deep = command_golden("summaries/k3_deep.json");
    char *closed = plot(deep, "closed.svg", NULL, NULL);
    ck_assert_uint_eq(count(closed, "class=\"node\""), 4);
    ck_assert_uint_eq(count(closed, "class=\"edge\""), 3); /* two calls of one model are one arrow */
    ck_assert_uint_eq(count(closed, "class=\"cluster\""), 0);
    check_label(closed, "level_one");
    char *open = plot(deep, "open.svg", "--expand-nested", NULL);
    static const char *const names[] = {"left",         "right", "level_one",      "level_one_in", "mix", "level_two",
                                        "level_two_in", "conv",  "level_three_in", "level_three",  "bn",  "relu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_label(open, names[i]);
    }
    ck_assert_uint_eq(count(open, "class=\"cluster\""), 3);
    ck_assert_uint_eq(count(open, "class=\"node\""), 10);
    ck_assert_uint_eq(count(open, "class=\"edge\""), 9);
    free(closed);
    free(open);
}
END_TEST

/* What the graph says, edge by edge: the second output of a model, and the first layer of a Sequential. */
START_TEST(arrows_reach_into_models) {
    char *dot = plot(command_golden("summaries/k3_second_output.json"), "second.dot", "--expand-nested", NULL);
    CHECK_HOLDS(dot, "digraph model {");
    CHECK_HOLDS(dot, "subgraph cluster_1 {");
    CHECK_HOLDS(dot, "  n0 -> n2;\n  n2 -> n3;\n  n3 -> n4;\n  n4 -> n5;\n}");
    CHECK_HOLDS(dot, "<b>narrow</b> (Dense)");
    free(dot);
    dot = plot(command_golden("summaries/k3_sequential.json"), "sequential.dot", "--expand-nested", NULL);
    CHECK_HOLDS(dot, "  n1 -> n2;\n  n2 -> n3;\n  n3 -> n4;\n  n4 -> n5;\n  n5 -> n7;\n  n7 -> n8;\n}");
    free(dot);
    dot = plot(command_golden("summaries/k2_several_outputs.json"), "several.dot", "--rankdir", "LR");
    CHECK_HOLDS(dot, "rankdir=LR;");
    CHECK_HOLDS(dot, "Output shape: (None, 5)<br/>(None, 3)");
    free(dot);
}
END_TEST

/* A config with two layers of these names (as JSON has them); returns its path. */
static const char *write_config(const char *first, const char *second) {
    const char *path = command_path("names.json");
    FILE *file = fopen(path, "wb");
    ck_assert(file != NULL);
    fprintf(file,
            "{\"class_name\": \"Sequential\", \"keras_version\": \"2.9.0\", \"backend\": \"tensorflow\", "
            "\"config\": {\"name\": \"net\", \"layers\": ["
            "{\"class_name\": \"InputLayer\", \"config\": {\"batch_input_shape\": [null, 4], \"name\": \"in\"}}, "
            "{\"class_name\": \"Dense\", \"config\": {\"name\": \"%s\", \"units\": 3}}, "
            "{\"class_name\": \"Dense\", \"config\": {\"name\": \"%s\", \"units\": 2}}]}}",
            first, second);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

START_TEST(names_may_hold_anything) {
    char *svg = plot(write_config("<b>\\\"x\\\" && 'y'", "a&lt;&nosuch;&#7;b"), "names.svg", NULL, NULL);
    CHECK_HOLDS(svg, "&lt;b&gt;&quot;x&quot; &amp;");
    CHECK_HOLDS(svg, "a&amp;<");
    CHECK_HOLDS(svg, ">osuch;&amp;<");
    free(svg);
    svg = plot(write_config("back\\\\", "\\u65e5\\u672c\\u0001\\ud83d\\ude00 \\u00e9"), "names.svg", NULL, NULL);
    CHECK_HOLDS(svg, ">back\\<");
    CHECK_HOLDS(svg, "\xe6\x97\xa5\xe6\x9c\xac\xef\xbf\xbd\xf0\x9f\x98\x80 \xc3\xa9");
    free(svg);
}
END_TEST

START_TEST(errors_are_one_line) {
    const char *model = command_golden("models/k3_branches.json");
    command_expect_error(RUN("plot", model), 2, "-o FILE is missing");
    command_expect_error(RUN("plot", "-o", "x.svg"), 2, "MODEL is missing");
    command_expect_error(RUN("plot", model, "more", "-o", "x.svg"), 2, "'more'");
    command_expect_error(RUN("plot", model, "-o", "net.png"), 2, "'net.png' ends neither in .svg nor .dot");
    command_expect_error(RUN("plot", model, "-o", ".svg"), 2, "ends neither");
    command_expect_error(RUN("plot", model, "-o", "x.svg", "--rankdir", "UP"), 2, "'UP'");
    command_expect_error(RUN("plot", "nosuch.keras", "-o", "x.svg"), 3, "nosuch.keras");
    command_expect_error(RUN("plot", model, "-o", "/nonexistent/x.svg"), 3, "/nonexistent/x.svg");
    command_expect_error(RUN("plot", model, "-o", "/nonexistent/x.dot"), 3, "/nonexistent/x.dot");
}
END_TEST

/* A device that is always full, under a name with the ending. */
START_TEST(a_full_disk_is_3) {
    const char *path = command_path("full.svg");
    ck_assert_int_eq(symlink("/dev/full", path), 0);
    command_expect_error(RUN("plot", command_golden("models/k3_branches.json"), "-o", path), 3, "full.svg");
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cli.plot");
    TCase *tests = tcase_create("plot");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, every_layer_is_drawn);
    tcase_add_test(tests, nested_models_are_boxes_or_frames);
    tcase_add_test(tests, arrows_reach_into_models);
    tcase_add_test(tests, names_may_hold_anything);
    tcase_add_test(tests, errors_are_one_line);
    tcase_add_test(tests, a_full_disk_is_3);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return cly_test_main(make_suite);
}
