/* cli/svg.c: Graphviz lays out a graph and draws it as SVG.
 *
 * Only the plugins for the dot layout and for plain SVG are there, and they are linked: none is looked for on the
 * machine, so that the picture of a graph does not depend on fonts and settings. */
#include "svg.h"

#include <graphviz/gvc.h>
#include <graphviz/gvplugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* In libgvplugin_core and libgvplugin_dot_layout; no header declares them. */
extern gvplugin_library_t gvplugin_core_LTX_library, gvplugin_dot_layout_LTX_library;

/* What Graphviz complained of, which it tells a function without data, a few words at a time. */
static char complaint[256];

static int note_complaint(char *text) {
    size_t length = strlen(complaint);
    snprintf(complaint + length, sizeof complaint - length, "%s", text);
    return 0;
}

static int fail(const char *what) {
    return cly_cli_fail(CLY_EXIT_FILE, "plot: Graphviz cannot %s%s%s", what, complaint[0] == '\0' ? "" : ": ",
                        complaint);
}

/* The graph, drawn by `graphviz`. */
static int draw(GVC_t *graphviz, graph_t *graph, char **svg_out, size_t *length_out) {
    char *drawn = NULL;
    unsigned length = 0;
    if (gvLayout(graphviz, graph, "dot") != 0) {
        return fail("lay out the graph");
    }
    int status = gvRenderData(graphviz, graph, "svg", &drawn, &length) == 0 && drawn != NULL ? CLY_EXIT_DONE
                                                                                             : fail("draw the graph");
    if (status == CLY_EXIT_DONE) {
        *svg_out = malloc((size_t)length + 1);
        if (*svg_out == NULL) {
            status = cly_cli_fail(CLY_EXIT_MEMORY, "plot: out of memory for %u bytes of SVG", length);
        } else {
            memcpy(*svg_out, drawn, length);
            (*svg_out)[length] = '\0';
            *length_out = length;
        }
    }
    gvFreeRenderData(drawn);
    gvFreeLayout(graphviz, graph);
    return status;
}

int cly_cli_render_svg(const char *dot, char **svg_out, size_t *length_out) {
    static const lt_symlist_t plugins[] = {{"gvplugin_dot_layout_LTX_library", &gvplugin_dot_layout_LTX_library},
                                           {"gvplugin_core_LTX_library", &gvplugin_core_LTX_library},
                                           {NULL, NULL}};
    complaint[0] = '\0';
    agseterr(AGERR); /* and no warnings */
    agseterrf(note_complaint);
    GVC_t *graphviz = gvContextPlugins(plugins, 0);
    if (graphviz == NULL) {
        return fail("start");
    }
    graph_t *graph = agmemread(dot);
    int status = graph == NULL ? fail("read the graph") : draw(graphviz, graph, svg_out, length_out);
    if (graph != NULL) {
        agclose(graph);
    }
    gvFreeContext(graphviz);
    agseterrf(NULL);
    return status;
}
