# The R kernel: evaluates cells in the global environment, which this program does not see. Speaks what program.py says, on the descriptors it is given.

local({
  descriptors <- commandArgs(trailingOnly = TRUE)
  cells <- file(paste0("/dev/fd/", descriptors[1]), open = "rb", blocking = TRUE, raw = TRUE)
  answers <- file(paste0("/dev/fd/", descriptors[2]), open = "wb", raw = TRUE)
  folder <- tempfile("plots")
  dir.create(folder)
  options(warn = 1, echo = FALSE, device = function(...) {
    grDevices::png(file.path(folder, paste0(length(grDevices::dev.list()), "-%04d.png")), width = 7, height = 7, units = "in", res = 100, type = "cairo")
  })

  refuse <- function(...) stop("nothing can be typed in here: give the code its data in a file or a variable", call. = FALSE)
  attach(list(readline = refuse, menu = refuse), name = "without a keyboard", warn.conflicts = FALSE)

  read_fields <- function() {
    count <- readBin(cells, "integer", 1, endian = "big")
    if (length(count) == 0) quit(save = "no")
    vapply(seq_len(count), function(index) {
      bytes <- readBin(cells, "raw", readBin(cells, "integer", 1, endian = "big"))
      text <- rawToChar(bytes)
      Encoding(text) <- "UTF-8"
      text
    }, "")
  }

  answer <- function(kind, ...) {
    fields <- lapply(list(...), function(field) if (is.raw(field)) field else charToRaw(enc2utf8(field)))
    writeBin(c(charToRaw(kind), writeBin(length(fields), raw(), endian = "big")), answers)
    for (field in fields) {
      writeBin(writeBin(length(field), raw(), endian = "big"), answers)
      writeBin(field, answers)
    }
    flush(answers)
  }

  show_plots <- function() {
    grDevices::graphics.off()
    for (path in sort(list.files(folder, full.names = TRUE))) {
      answer("D", "image/png", readBin(path, "raw", file.size(path)))
      unlink(path)
    }
  }

  # What a value prints is its text; what is more than a text prints itself, as plots of some packages do.
  text_of <- function(value) {
    lines <- utils::capture.output(if (isS4(value)) methods::show(value) else print(value))
    paste(lines, collapse = "\n")
  }

  evaluate <- function(code) {
    expressions <- parse(text = code, keep.source = TRUE)
    for (index in seq_along(expressions)) {
      outcome <- withVisible(eval(expressions[[index]], globalenv()))
      if (outcome$visible) {
        text <- text_of(outcome$value)
        if (nzchar(text)) answer(if (index == length(expressions)) "R" else "D", "text/plain", text)
      }
    }
  }

  explain <- function(condition, calls) {
    call <- conditionCall(condition)
    own <- is.null(call) || identical(call[[1]], quote(eval)) || identical(call[[1]], quote(parse))
    where <- if (own) "Error" else paste("Error in", paste(deparse(call, nlines = 1), collapse = ""))
    value <- paste0(where, ": ", conditionMessage(condition))
    steps <- vapply(calls, function(each) paste(deparse(each, nlines = 1), collapse = ""), "")
    trace <- if (length(steps) > 0) c("Traceback:", sprintf("%d. %s", seq_along(steps), steps))
    answer("E", "ERROR", value, paste(c(value, trace), collapse = "\n"))
  }

  run <- function(code) {
    calls <- list()
    depth <- sys.nframe()
    tryCatch(
      withCallingHandlers(evaluate(code), error = function(condition) {
        calls <<- Filter(Negate(is_own), utils::head(sys.calls(), -2)[-seq_len(depth)])
      }),
      interrupt = function(condition) answer("E", "KeyboardInterrupt", "", "KeyboardInterrupt"),
      error = function(condition) explain(condition, calls)
    )
  }

  is_own <- function(call) {
    is.call(call) && paste(deparse(call[[1]], nlines = 1), collapse = "") %in% c(
      "evaluate", "eval", "withVisible", "withCallingHandlers", "tryCatch", "tryCatchList", "tryCatchOne", "doTryCatch",
      ".handleSimpleError", "h", "parse", "run"
    )
  }

  restore <- function(before) {
    for (name in names(before)) {
      if (is.na(before[[name]])) Sys.unsetenv(name) else do.call(Sys.setenv, as.list(before[name]))
    }
  }

  repeat {
    fields <- read_fields()
    is_name <- seq_along(fields) %% 2 == 0
    names <- fields[is_name]
    before <- character(0)
    if (length(names) > 0) {
      before <- Sys.getenv(names, unset = NA, names = TRUE)
      do.call(Sys.setenv, as.list(stats::setNames(fields[-1][!is_name[-1]], names)))
    }
    run(fields[1])
    tryCatch(show_plots(), error = function(condition) message(conditionMessage(condition)))
    restore(before)
    flush(stdout())
    answer(".")
  }
}, envir = new.env(parent = baseenv()))
