// Excerpts beside the results are read from the pages found, which a browser does not allow from the disk.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
