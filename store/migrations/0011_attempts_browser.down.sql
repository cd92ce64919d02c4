DROP INDEX attempts_browser;
