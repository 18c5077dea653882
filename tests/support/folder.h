/* support/folder.h: folders of a test's own. */
#ifndef CLY_TEST_FOLDER_H
#define CLY_TEST_FOLDER_H

/* A fresh empty folder under $TMPDIR or /tmp, its path allocated. Ends the program if there can be none. */
char *cly_test_folder(void);
/* Removes the folder with all that is in it, and frees the path. NULL does nothing. */
void cly_test_remove(char *folder);
/* Entries in the folder, without "." and "..". */
int cly_test_count_files(const char *folder);

#endif
