/** The script of a worker, as a page's bundler takes it. */
import "@oscillink/core/worker";
