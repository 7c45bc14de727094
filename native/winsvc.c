/*
 * A Windows service's own side: what the service control manager (SCM) hears of it. That comes from
 * threads of its own, so the SCM has its answer in time whatever JavaScript does.
 *
 * Invariant: from RUNNING the service goes to STOP_PENDING and STOPPED, or to STOPPED, never back;
 * STOPPED is told once and nothing after it. A process that ends without it has crashed for the SCM
 * (1067), which then starts it again, as it does after an exit code; but what was asked to stop is
 * told to have stopped well, however it did, or the SCM would start it again then too.
 */
#include "winaddon.h"

enum {
  NAME_CHARS_MAX = 257,
  EVENT_CHARS_MAX = 16 * 1024,
  /* Between two signs of life while it stops; the SCM is told to expect one within the hint. */
  SIGN_OF_LIFE_MS = 1000,
  SIGN_OF_LIFE_HINT_MS = 5000,
  /* The SCM itself waits 30 s for a service to connect. */
  CONNECT_MS_MAX = 30000,
  /* From STOPPED to the end of the process. */
  EXIT_MS_MAX = 5000,
};

static struct {
  CRITICAL_SECTION lock;
  SERVICE_STATUS_HANDLE handle;
  SERVICE_STATUS status;
  /* RUNNING was told, or `error` says why not. */
  HANDLE connected;
  HANDLE stop_asked;
  HANDLE stopped;
  DWORD error;
  DWORD stop_ms_max;
  DWORD exit_code;
  napi_threadsafe_function on_stop;
  /* What the event log is told when it did not stop in time. */
  WCHAR hung_text[EVENT_CHARS_MAX];
  WCHAR name[NAME_CHARS_MAX];
  LONGLONG begun_ticks;
  /* How long the SCM waited for its answers; good once `connected` and `stop_asked` are set. */
  double running_ms;
  double stop_ms;
} service;

static LONGLONG now_ticks(void) {
  LARGE_INTEGER now;
  QueryPerformanceCounter(&now);
  return now.QuadPart;
}

static double ms_since(LONGLONG ticks) {
  LARGE_INTEGER ticks_per_s;
  QueryPerformanceFrequency(&ticks_per_s);
  return (double)(now_ticks() - ticks) * 1000 / (double)ticks_per_s.QuadPart;
}

static void tell_locked(DWORD state, DWORD error) {
  SERVICE_STATUS *status = &service.status;
  const bool pending = state == SERVICE_STOP_PENDING;
  if (status->dwCurrentState == SERVICE_STOPPED) return;
  status->dwServiceType = SERVICE_WIN32_OWN_PROCESS;
  status->dwCurrentState = state;
  status->dwControlsAccepted =
      state == SERVICE_RUNNING
          ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_PRESHUTDOWN
          : 0;
  status->dwWin32ExitCode = error;
  status->dwServiceSpecificExitCode =
      error == ERROR_SERVICE_SPECIFIC_ERROR ? service.exit_code : 0;
  status->dwCheckPoint = pending ? status->dwCheckPoint + 1 : 0;
  status->dwWaitHint = pending ? SIGN_OF_LIFE_HINT_MS : 0;
  SetServiceStatus(service.handle, status);
}

/* @param error Windows' number, NO_ERROR unless it ends badly */
static void tell(DWORD state, DWORD error) {
  EnterCriticalSection(&service.lock);
  tell_locked(state, error);
  LeaveCriticalSection(&service.lock);
}

static void write_event(const WCHAR *source, WORD type, const WCHAR *text) {
  /* The event log's source shows event 1 as the text alone (winscm.c registers it). */
  const DWORD event = 1;
  const HANDLE log = RegisterEventSourceW(NULL, source);
  if (log == NULL) return;
  ReportEventW(log, type, 0, event, NULL, 1, 0, &text, NULL);
  DeregisterEventSource(log);
}

/* Called by the dispatcher's thread, which must come back at once. */
static DWORD WINAPI on_control(DWORD control, DWORD type, void *data, void *context) {
  (void)type, (void)data, (void)context;
  const LONGLONG asked_ticks = now_ticks();
  switch (control) {
    case SERVICE_CONTROL_INTERROGATE:
      return NO_ERROR;
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
    case SERVICE_CONTROL_PRESHUTDOWN:
      tell(SERVICE_STOP_PENDING, NO_ERROR);
      service.stop_ms = ms_since(asked_ticks);
      SetEvent(service.stop_asked);
      napi_call_threadsafe_function(service.on_stop, NULL, NAPI_NONBLOCKING);
      return NO_ERROR;
    default:
      return ERROR_CALL_NOT_IMPLEMENTED;
  }
}

static void end_hung_process(void) {
  write_event(service.name, EVENTLOG_ERROR_TYPE, service.hung_text);
  tell(SERVICE_STOPPED, NO_ERROR);
  TerminateProcess(GetCurrentProcess(), ERROR_SERVICE_REQUEST_TIMEOUT);
}

static void see_to_the_end(void) {
  const HANDLE either[] = {service.stopped, service.stop_asked};
  if (WaitForMultipleObjects(2, either, FALSE, INFINITE) == WAIT_OBJECT_0) return;
  const ULONGLONG deadline_ms = GetTickCount64() + service.stop_ms_max;
  while (WaitForSingleObject(service.stopped, SIGN_OF_LIFE_MS) == WAIT_TIMEOUT) {
    if (GetTickCount64() >= deadline_ms) end_hung_process();
    tell(SERVICE_STOP_PENDING, NO_ERROR);
  }
}

/* A thread that the dispatcher makes. */
static void WINAPI service_main(DWORD count, WCHAR **arguments) {
  (void)count, (void)arguments;
  service.handle = RegisterServiceCtrlHandlerExW(service.name, on_control, NULL);
  if (service.handle == NULL) {
    service.error = GetLastError();
    SetEvent(service.connected);
    return;
  }
  tell(SERVICE_RUNNING, NO_ERROR);
  service.running_ms = ms_since(service.begun_ticks);
  SetEvent(service.connected);
  see_to_the_end();
}

static DWORD WINAPI dispatch(void *parameter) {
  (void)parameter;
  const SERVICE_TABLE_ENTRYW services[] = {{service.name, service_main}, {NULL, NULL}};
  if (!StartServiceCtrlDispatcherW(services)) {
    service.error = GetLastError();
    SetEvent(service.connected);
    return 0;
  }
  /* STOPPED was told: a process that still hangs on would be in the way of the next start. */
  Sleep(EXIT_MS_MAX);
  TerminateProcess(GetCurrentProcess(), service.exit_code);
  return 0;
}

/* NO_ERROR when the SCM has been told RUNNING. */
static DWORD connect_to_manager(void) {
  InitializeCriticalSection(&service.lock);
  service.stop_asked = CreateEventW(NULL, TRUE, FALSE, NULL);
  service.stopped = CreateEventW(NULL, TRUE, FALSE, NULL);
  service.connected = CreateEventW(NULL, TRUE, FALSE, NULL);
  const HANDLE thread = CreateThread(NULL, 0, dispatch, NULL, 0, NULL);
  if (thread == NULL) return GetLastError();
  CloseHandle(thread);
  if (WaitForSingleObject(service.connected, CONNECT_MS_MAX) == WAIT_TIMEOUT) {
    return ERROR_SERVICE_REQUEST_TIMEOUT;
  }
  return service.error;
}

/* beginService(name, stopMsMax, hungText, onStop): returns when the SCM has been told RUNNING. */
static napi_value begin_service(napi_env env, napi_callback_info info) {
  napi_value arguments[4], what;
  arguments_of(env, info, arguments, 4);
  if (service.connected != NULL) {
    return throw_error(env, "beginService", ERROR_SERVICE_ALREADY_RUNNING);
  }
  service.begun_ticks = now_ticks();
  if (!text_of(env, arguments[0], service.name, NAME_CHARS_MAX)) return undefined(env);
  napi_get_value_uint32(env, arguments[1], (UINT32 *)&service.stop_ms_max);
  if (!text_of(env, arguments[2], service.hung_text, EVENT_CHARS_MAX)) return undefined(env);
  napi_create_string_utf8(env, "windrow service", NAPI_AUTO_LENGTH, &what);
  if (napi_create_threadsafe_function(env, arguments[3], NULL, what, 0, 1, NULL, NULL, NULL, NULL,
                                      &service.on_stop) != 0) {
    return throw_error(env, "onStop is no function", ERROR_INVALID_PARAMETER);
  }
  const DWORD error = connect_to_manager();
  if (error != NO_ERROR) {
    napi_release_threadsafe_function(service.on_stop, NAPI_ABORT);
    return throw_error(env, "the service control manager", error);
  }
  return undefined(env);
}

/* endService(exitCode): tells STOPPED with the exit code that the process is about to have. */
static napi_value end_service(napi_env env, napi_callback_info info) {
  napi_value argument;
  UINT32 exit_code = 0;
  arguments_of(env, info, &argument, 1);
  napi_get_value_uint32(env, argument, &exit_code);
  if (service.handle == NULL) return throw_error(env, "endService", ERROR_SERVICE_NOT_ACTIVE);
  service.exit_code = exit_code;
  const bool is_asked = WaitForSingleObject(service.stop_asked, 0) == WAIT_OBJECT_0;
  tell(SERVICE_STOPPED, exit_code == 0 || is_asked ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR);
  SetEvent(service.stopped);
  return undefined(env);
}

/*
 * serviceAnswers() → {runningMs, stopMs}: how long Windows waited for them, measured in the threads
 * that gave them: RUNNING since beginService was called, and STOP_PENDING since the control came.
 * Without stopMs while it was not asked to stop.
 */
static napi_value service_answers(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  if (service.handle == NULL) return throw_error(env, "serviceAnswers", ERROR_SERVICE_NOT_ACTIVE);
  napi_create_object(env, &result);
  put_number(env, result, "runningMs", service.running_ms);
  if (WaitForSingleObject(service.stop_asked, 0) == WAIT_OBJECT_0) {
    put_number(env, result, "stopMs", service.stop_ms);
  }
  return result;
}

/* writeErrorEvent(source, text) */
static napi_value write_error_event(napi_env env, napi_callback_info info) {
  static WCHAR text[EVENT_CHARS_MAX];
  WCHAR source[NAME_CHARS_MAX];
  napi_value arguments[2];
  arguments_of(env, info, arguments, 2);
  if (!text_of(env, arguments[0], source, NAME_CHARS_MAX)) return undefined(env);
  if (!text_of(env, arguments[1], text, EVENT_CHARS_MAX)) return undefined(env);
  write_event(source, EVENTLOG_ERROR_TYPE, text);
  return undefined(env);
}

void add_service(napi_env env, napi_value exports) {
  put_function(env, exports, "beginService", begin_service);
  put_function(env, exports, "endService", end_service);
  put_function(env, exports, "serviceAnswers", service_answers);
  put_function(env, exports, "writeErrorEvent", write_error_event);
}
