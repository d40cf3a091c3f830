import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.UnresolvedReferenceException;
import jdk.jshell.execution.DirectExecutionControl;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;

/** The Java kernel: snippets of jshell, evaluated in this process. Speaks what program.py says, on the descriptors it is given. */
public final class JavaKernel {
    private static final String[] IMPORTS = {
        "java.io.*", "java.math.*", "java.net.*", "java.nio.file.*", "java.time.*", "java.util.*", "java.util.concurrent.*",
        "java.util.function.*", "java.util.regex.*", "java.util.stream.*",
    };
    private static DataOutputStream answers;

    public static void main(String[] args) throws Exception {
        System.getenv().forEach((name, value) -> System.getProperties().putIfAbsent(name, value));
        DataInputStream cells = new DataInputStream(new FileInputStream("/dev/fd/" + args[0]));
        answers = new DataOutputStream(new FileOutputStream("/dev/fd/" + args[1]));
        Output out = new Output('O');
        Output err = new Output('S');
        System.setOut(new Printer(out));
        System.setErr(new Printer(err));
        Evaluator evaluator = new Evaluator();
        onInterrupt(evaluator::interrupt);
        JShell shell = JShell.builder().executionEngine(evaluator, Map.of()).compilerOptions("-Xlint:none").build();
        for (String name : IMPORTS) shell.eval("import " + name + ";");
        while (true) {
            List<String> cell = fields(cells);
            if (System.out == null) System.setOut(new Printer(out));
            if (System.err == null) System.setErr(new Printer(err));
            Map<String, String> before = new HashMap<>();
            for (int i = 1; i < cell.size(); i += 2) before.put(cell.get(i), System.setProperty(cell.get(i), cell.get(i + 1)));
            try {
                new Cell(shell, evaluator).run(cell.get(0));
            } catch (Throwable failure) { // Of jshell itself, such as that no memory is left to compile.
                answer('E', utf8(failure.getClass().getName()), utf8(String.valueOf(failure.getMessage())), utf8(failure.toString()));
            }
            before.forEach((name, value) -> {
                if (value == null) System.clearProperty(name);
                else System.setProperty(name, value);
            });
            out.flush();
            err.flush();
            if (evaluator.isOutOfMemory && isHeapFull()) {
                answer('S', utf8("The heap is full: the interpreter starts anew.\n"));
                answer('!');
                Runtime.getRuntime().halt(1);
            }
            evaluator.isOutOfMemory = false;
            answer('.');
        }
    }

    /** What a cell has filled the heap with may stay, and then nothing can run any more. */
    private static boolean isHeapFull() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory() > 0.8 * runtime.maxMemory();
    }

    private static List<String> fields(DataInputStream in) throws IOException {
        List<String> fields = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            byte[] bytes = new byte[in.readInt()];
            in.readFully(bytes);
            fields.add(new String(bytes, StandardCharsets.UTF_8));
        }
        return fields;
    }

    static void answer(char kind, byte[]... fields) {
        synchronized (answers) {
            try {
                answers.writeByte(kind);
                answers.writeInt(fields.length);
                for (byte[] field : fields) {
                    answers.writeInt(field.length);
                    answers.write(field);
                }
            } catch (IOException gone) {
                Runtime.getRuntime().halt(0);
            }
        }
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static void onInterrupt(Runnable action) {
        sun.misc.Signal.handle(new sun.misc.Signal("INT"), signal -> action.run());
    }

    /** The snippets of one cell, in order, until one fails. */
    private record Cell(JShell shell, Evaluator evaluator) {
        void run(String code) {
            SourceCodeAnalysis analysis = shell.sourceCodeAnalysis();
            Object value = null;
            for (String rest = code; !rest.isBlank(); ) {
                SourceCodeAnalysis.CompletionInfo next = analysis.analyzeCompletion(rest);
                boolean isWhole = next.completeness().isComplete() && next.source() != null;
                if (next.completeness() == Completeness.EMPTY) break;
                String source = isWhole ? next.source() : rest;
                rest = isWhole ? next.remaining() : "";
                evaluator.value = null;
                List<SnippetEvent> events = shell.eval(source);
                for (SnippetEvent event : events) if (failed(event)) return;
                Snippet snippet = events.isEmpty() ? null : events.get(0).snippet();
                value = snippet != null && isExpression(snippet) ? evaluator.value : null;
            }
            if (value != null) answer('R', utf8("text/plain"), utf8(text(value)));
        }

        private static boolean isExpression(Snippet snippet) {
            return snippet.kind() == Snippet.Kind.EXPRESSION || snippet.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
        }

        private boolean failed(SnippetEvent event) {
            Snippet snippet = event.snippet();
            if (event.exception() != null) {
                explain(event.exception());
            } else if (event.status() == Snippet.Status.REJECTED) {
                List<String> messages = shell.diagnostics(snippet).filter(Diag::isError).map(d -> d.getMessage(Locale.ROOT)).toList();
                String message = String.join("\n", messages);
                answer('E', utf8("CompilationException"), utf8(message), utf8(snippet.source().strip() + "\n" + message));
            } else {
                return false;
            }
            return true;
        }

        private void explain(JShellException thrown) {
            String name = thrown instanceof EvalException e ? e.getExceptionClassName() : thrown.getClass().getName();
            String message = thrown.getMessage() == null ? "" : thrown.getMessage();
            if (thrown instanceof UnresolvedReferenceException unresolved) {
                message = String.join(", ", shell.unresolvedDependencies(unresolved.getSnippet()).toList()) + " is not defined";
            }
            StringBuilder trace = new StringBuilder(name + (message.isEmpty() ? "" : ": " + message));
            for (StackTraceElement frame : thrown.getStackTrace()) trace.append("\n\tat ").append(frame);
            answer('E', utf8(name), utf8(message), utf8(trace.toString()));
        }

        private static String text(Object value) {
            if (!value.getClass().isArray()) return String.valueOf(value);
            String nested = Arrays.deepToString(new Object[] {value});
            return nested.substring(1, nested.length() - 1);
        }
    }

    /** Runs snippets in this process and keeps the value itself, where jshell passes on its text alone. */
    private static final class Evaluator extends DirectExecutionControl implements ExecutionControlProvider {
        volatile Object value;
        volatile boolean isOutOfMemory;
        private volatile Thread running;

        @Override
        public String name() {
            return "in-process";
        }

        @Override
        public ExecutionControl generate(ExecutionEnv env, Map<String, String> parameters) {
            return this;
        }

        @Override
        protected String invoke(Method method) throws Exception {
            Object[] result = new Object[1];
            Exception[] failure = new Exception[1];
            Thread thread = new Thread(null, () -> {
                try {
                    result[0] = method.invoke(null);
                } catch (Exception error) {
                    isOutOfMemory = error.getCause() instanceof OutOfMemoryError;
                    failure[0] = error;
                }
            }, "cell");
            running = thread;
            thread.start();
            thread.join();
            running = null;
            if (failure[0] != null) throw failure[0];
            value = result[0];
            return valueString(value);
        }

        @Override
        public String varValue(String className, String varName) throws RunException, EngineTerminationException, InternalException {
            String text = super.varValue(className, varName);
            try {
                Field field = findClass(className).getDeclaredField(varName);
                field.setAccessible(true);
                value = field.get(null);
            } catch (ReflectiveOperationException error) {
                value = text;
            }
            return text;
        }

        @SuppressWarnings({"deprecation", "removal"})
        void interrupt() {
            Thread thread = running;
            if (thread == null) return;
            thread.interrupt();
            try {
                thread.join(300);
                if (thread.isAlive()) thread.stop();
            } catch (InterruptedException | UnsupportedOperationException left) {
                // A newer Java cannot stop a thread: the supervisor ends the process.
            }
        }
    }

    /** A `println` is two writes: the line, and its end. */
    private static final class Printer extends PrintStream {
        Printer(OutputStream out) {
            super(out, true, StandardCharsets.UTF_8);
        }

        /** A cell that closes it is not the last that prints. */
        @Override
        public void close() {
            flush();
        }
    }

    /** Sends the first of what is printed at once and gathers the rest for a moment. */
    private static final class Output extends OutputStream {
        private static final Timer TIMER = new Timer(true);
        private static final int PAUSE_MS = 20;
        private final byte[] gathered = new byte[16_384];
        private final char kind;
        private int size;
        private boolean isGathering;

        Output(char kind) {
            this.kind = kind;
        }

        @Override
        public void write(int b) {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] bytes, int start, int length) {
            while (length > 0) {
                int part = Math.min(length, gathered.length - size);
                System.arraycopy(bytes, start, gathered, size, part);
                size += part;
                start += part;
                length -= part;
                if (size == gathered.length || !isGathering) send();
            }
            if (!isGathering) gather();
        }

        /** What `PrintStream` asks for after each write; the end of a cell flushes by `send`. */
        @Override
        public void flush() {
            if (Thread.currentThread().getName().equals("main")) send();
        }

        private synchronized void send() {
            if (size > 0) answer(kind, Arrays.copyOf(gathered, size));
            size = 0;
        }

        private void gather() {
            isGathering = true;
            TIMER.schedule(new TimerTask() {
                @Override
                public void run() {
                    synchronized (Output.this) {
                        isGathering = false;
                        send();
                    }
                }
            }, PAUSE_MS);
        }
    }
}
