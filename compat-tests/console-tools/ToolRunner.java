import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.Permission;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;

/**
 * Runs the main classes of command-line tools one after the other in one JVM, which is warm after the first. Its
 * arguments are the jars of the tools, which must not be on its own class path: each run loads their classes again,
 * because they keep counts in static fields. A request is a line of fields in base64, separated by spaces: main class,
 * file for standard input, for standard output, for standard error, arguments. The answer is a line with the exit code.
 */
public class ToolRunner {
  private static final Redirected out = new Redirected();
  private static final Redirected err = new Redirected();
  /** Exit code that the current tool requested, or null. Later requests by a tool that keeps running are ignored. */
  private static volatile Integer asked;

  public static void main(String[] jars) throws Exception {
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    PrintStream answers = System.out;
    System.setOut(new PrintStream(out, false));
    System.setErr(new PrintStream(err, true));
    refuseToExit();
    URL[] urls = new URL[jars.length];
    for (int i = 0; i < jars.length; i++) urls[i] = Path.of(jars[i]).toUri().toURL();
    for (String line; (line = requests.readLine()) != null; ) {
      String[] fields = Arrays.stream(line.split(" ", -1)).map(ToolRunner::decode).toArray(String[]::new);
      answers.println(run(urls, fields));
      answers.flush();
    }
    Runtime.getRuntime().halt(0); // ends threads that a tool left behind
  }

  private static String decode(String field) {
    return new String(Base64.getDecoder().decode(field), StandardCharsets.UTF_8);
  }

  private static int run(URL[] jars, String[] fields) throws Exception {
    asked = null;
    ClassLoader own = ToolRunner.class.getClassLoader();
    try (InputStream in = new FileInputStream(fields[1]);
        URLClassLoader loader = new URLClassLoader(jars, own)) {
      out.target = new FileOutputStream(fields[2]);
      err.target = new FileOutputStream(fields[3]);
      System.setIn(in);
      Thread.currentThread().setContextClassLoader(loader);
      String[] arguments = Arrays.copyOfRange(fields, 4, fields.length);
      try {
        Class.forName(fields[0], true, loader).getMethod("main", String[].class).invoke(null, (Object) arguments);
      } catch (InvocationTargetException failure) {
        if (asked == null) {
          failure.getCause().printStackTrace();
          asked = 1;
        }
      } catch (ReflectiveOperationException failure) {
        failure.printStackTrace();
        asked = 1;
      }
      runHooks();
      return asked == null ? 0 : asked;
    } finally {
      Thread.currentThread().setContextClassLoader(own);
      System.out.flush();
      System.err.flush();
      out.close();
      err.close();
    }
  }

  /** Runs the tool's shutdown hooks as the JVM does at exit: a console producer sends its last records in one. */
  private static void runHooks() throws Exception {
    Field field = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
    field.setAccessible(true);
    Thread[] hooks = ((Map<?, ?>) field.get(null)).keySet().toArray(Thread[]::new);
    for (Thread hook : hooks) {
      Runtime.getRuntime().removeShutdownHook(hook);
      hook.start();
    }
    for (Thread hook : hooks) hook.join();
  }

  /** A stream that other objects may keep. Its target can change; at first it discards everything. */
  private static class Redirected extends OutputStream {
    volatile OutputStream target = OutputStream.nullOutputStream();

    @Override
    public void write(int b) throws IOException {
      target.write(b);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      target.write(bytes, from, length);
    }

    @Override
    public void flush() throws IOException {
      target.flush();
    }

    @Override
    public void close() throws IOException {
      target.close();
      target = OutputStream.nullOutputStream();
    }
  }

  /** Kafka's older tools call System.exit. Only a security manager can keep that from ending the JVM. */
  @SuppressWarnings("removal")
  private static void refuseToExit() {
    System.setSecurityManager(
        new SecurityManager() {
          @Override
          public void checkPermission(Permission permission) {}

          @Override
          public void checkPermission(Permission permission, Object context) {}

          @Override
          public void checkExit(int status) {
            if (asked == null) asked = status;
            throw new SecurityException("a tool wants to exit with " + status);
          }
        });
  }
}
