/* cli/svg.h: a graph as a picture: the door to Graphviz. */
#ifndef CLY_CLI_SVG_H
#define CLY_CLI_SVG_H

#include <stddef.h>

/* Lays out a graph in the DOT language and draws it as SVG; svg_out is freed with free(). Prints its line and returns
 * the exit status where that fails. */
int cly_cli_render_svg(const char *dot, char **svg_out, size_t *length_out);

#endif
