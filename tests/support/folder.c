/* support/folder.c: folders of a test's own. */
#include "support/folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *cly_test_folder(void) {
    const char *base = getenv("TMPDIR");
    char *path = malloc(4096);
    if (path == NULL) {
        abort();
    }
    (void)snprintf(path, 4096, "%s/clayer-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(path) == NULL) {
        abort();
    }
    return path;
}

static void remove_tree(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0) {
        return;
    }
    if (!S_ISDIR(info.st_mode)) {
        (void)unlink(path);
        return;
    }
    DIR *directory = opendir(path);
    for (struct dirent *item = directory != NULL ? readdir(directory) : NULL; item != NULL; item = readdir(directory)) {
        char inner[8192];
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
            (void)snprintf(inner, sizeof(inner), "%s/%s", path, item->d_name);
            remove_tree(inner);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    (void)rmdir(path);
}

void cly_test_remove(char *folder) {
    if (folder != NULL) {
        remove_tree(folder);
        free(folder);
    }
}

int cly_test_count_files(const char *folder) {
    int count = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL) {
        return -1;
    }
    while (readdir(directory) != NULL) {
        count++;
    }
    (void)closedir(directory);
    return count - 2;
}
